/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See discovery.h. A row that is too many costs a copy of a datagram now and then; one that is missing leaves cameras mute. */
#include "discovery.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct discovery_port discovery_ports[] = {
	{67, "DHCP: a camera's request names its vendor class and host"},
	{68, "DHCP: answers of a server behind the camera's side"},
	{137, "NetBIOS names"},
	{138, "NetBIOS datagrams"},
	{546, "DHCPv6, towards clients"},
	{547, "DHCPv6, requests: the DUID holds a MAC, options a vendor"},
	{1757, "Bosch, to devices"},
	{1758, "Bosch, answers"},
	{1900, "SSDP (UPnP): NOTIFY, M-SEARCH and its answers"},
	{2007, "NICE recorders"},
	{2015, "Reolink, search"},
	{2018, "Reolink, search"},
	{2380, "Sony"},
	{3600, "360 Vision"},
	{3702, "WS-Discovery: ONVIF"},
	{3956, "GigE Vision (GVCP)"},
	{5050, "Dahua, the older search"},
	{5353, "mDNS: services and host names"},
	{5355, "LLMNR: host names"},
	{6666, "Tuya, clear"},
	{6667, "Tuya, encrypted"},
	{7000, "Tuya, by its app"},
	{7701, "Hanwha, to devices"},
	{7711, "Hanwha, answers"},
	{8600, "VStarcam"},
	{9999, "TP-Link smart home"},
	{10000, "Foscam, Vivotek"},
	{10001, "Ubiquiti"},
	{10669, "Panasonic and i-PRO, answers"},
	{10670, "Panasonic and i-PRO, to devices"},
	{20002, "Tapo"},
	{23456, "TVT"},
	{34569, "Xiongmai"},
	{37020, "SADP: Hikvision"},
	{37810, "DHIP: Dahua"},
	{54321, "Xiaomi miIO"},
	{62976, "D-Link"},
};
const size_t discovery_n_ports = COUNT(discovery_ports);

/*
 * Link-local groups are flooded by most switches and joined all the same: those that filter them (RFC 4541, 2.1.2 lets them) and network
 * cards then deliver them.
 */
const struct discovery_group discovery_groups[] = {
	{"224.0.0.251", "mDNS"},
	{"224.0.0.252", "LLMNR"},
	{"233.89.188.1", "Ubiquiti"},
	{"234.55.55.55", "TVT"},
	{"239.255.255.250", "SSDP, WS-Discovery, SADP"},
	{"239.255.255.251", "DHIP"},
	{"ff02::c", "SSDP, WS-Discovery"},
	{"ff02::fb", "mDNS"},
	{"ff02::1:2", "DHCPv6: what clients send to servers and relays"},
	{"ff02::1:3", "LLMNR"},
};
const size_t discovery_n_groups = COUNT(discovery_groups);

bool
discovery_is_port(uint16_t port)
{
	size_t from = 0, to = discovery_n_ports;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (discovery_ports[mid].port < port)
			from = mid + 1;
		else
			to = mid;
	}
	return from < discovery_n_ports && discovery_ports[from].port == port;
}
