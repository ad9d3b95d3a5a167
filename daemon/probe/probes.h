/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the table in probe.c, one line each. */
#ifndef LENSCAP_PROBES_H
#define LENSCAP_PROBES_H

struct probe;

/* Protocols of the internet. */
extern const struct probe probe_http;
extern const struct probe probe_http2;
extern const struct probe probe_tls;
extern const struct probe probe_rtsp;
extern const struct probe probe_sip;
extern const struct probe probe_mqtt;
extern const struct probe probe_ssh;
extern const struct probe probe_ftp;
extern const struct probe probe_smtp;
extern const struct probe probe_imap;
extern const struct probe probe_pop3;
extern const struct probe probe_telnet;
extern const struct probe probe_rtmp;
extern const struct probe probe_rdp;
extern const struct probe probe_rfb;
extern const struct probe probe_smb;
extern const struct probe probe_socks;
extern const struct probe probe_bittorrent;
extern const struct probe probe_openvpn;
extern const struct probe probe_stun;
extern const struct probe probe_rpc;
extern const struct probe probe_syslog;
extern const struct probe probe_quic;
extern const struct probe probe_dtls;
extern const struct probe probe_mdns;
extern const struct probe probe_llmnr;
extern const struct probe probe_netbios;
extern const struct probe probe_dns;
extern const struct probe probe_ntp;
extern const struct probe probe_dhcp;
extern const struct probe probe_dhcpv6;
extern const struct probe probe_ssdp;
extern const struct probe probe_wsdiscovery;
extern const struct probe probe_srt;
extern const struct probe probe_rtcp;
extern const struct probe probe_rtp;
extern const struct probe probe_coap;
extern const struct probe probe_snmp;
extern const struct probe probe_tftp;
extern const struct probe probe_wireguard;
extern const struct probe probe_ike;
extern const struct probe probe_esp;
extern const struct probe probe_dht;
extern const struct probe probe_utp;
extern const struct probe probe_icmp;
extern const struct probe probe_icmp_tunnel;
extern const struct probe probe_onvif;
extern const struct probe probe_websocket;
extern const struct probe probe_doh;
extern const struct probe probe_dot;
extern const struct probe probe_doq;
extern const struct probe probe_gb28181;
extern const struct probe probe_turn;
extern const struct probe probe_nfs;

/* Cameras and their clouds. */
extern const struct probe probe_bubble;
extern const struct probe probe_sadp;
extern const struct probe probe_hik_sdk;
extern const struct probe probe_isup;
extern const struct probe probe_ezviz;
extern const struct probe probe_dhip;
extern const struct probe probe_dvrip;
extern const struct probe probe_dahua_discovery;
extern const struct probe probe_dahua_p2p;
extern const struct probe probe_dahua_autoreg;
extern const struct probe probe_xm_sofia;
extern const struct probe probe_pppp;
extern const struct probe probe_tutk;
extern const struct probe probe_tuya;
extern const struct probe probe_baichuan;
extern const struct probe probe_tvt;
extern const struct probe probe_miio;
extern const struct probe probe_vstarcam;
extern const struct probe probe_tplink_shp;
extern const struct probe probe_foscam;
extern const struct probe probe_dlink;
extern const struct probe probe_ubnt_discovery;
extern const struct probe probe_gvcp;
extern const struct probe probe_bosch;
extern const struct probe probe_hanwha;
extern const struct probe probe_vivotek;
extern const struct probe probe_panasonic;
extern const struct probe probe_sony;
extern const struct probe probe_vision360;
extern const struct probe probe_nice;
extern const struct probe probe_hytera;

#endif
